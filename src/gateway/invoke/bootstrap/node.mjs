// Runs a Node.js handler under the Lambda Runtime API: `node node.mjs`, with _HANDLER, LAMBDA_TASK_ROOT and
// AWS_LAMBDA_RUNTIME_API in the environment. No dependencies; Node 18 and later. Where WSFLEET_EVENTS and WSFLEET_ANSWERS
// name descriptors, events and answers are frames on these (gateway.invoke.runtime_channel), and nothing else changes.
//
// Behaves as Lambda's own runtime does: how a handler is found, the context object, callback handlers that wait for
// an empty event loop, error documents, and how uncaught errors end the process. Only what is printed differs: console
// writes plain lines, because whoever reads them already knows the request.

import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { types } from 'node:util';

// Taken before the handler's code can replace them.
const { request: httpRequest, Agent } = http;
const { exit, env } = process;
const { writeSync } = fs;
const { setImmediate } = globalThis;
const now = Date.now;

const EXIT_AFTER_REJECTION = 128;
const EXIT_AFTER_EXCEPTION = 129;
const RUNTIME_PATH = '/2018-06-01/runtime/';
const ERROR_TYPE_HEADER = 'Lambda-Runtime-Function-Error-Type';
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const PRELUDE_CONTENT_TYPE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8);

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

// ---- the Runtime API ----

const [apiHost, apiPort] = env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new Agent({ keepAlive: true, maxSockets: 1, noDelay: true });

function call(method, route, headers = {}, body = undefined) {
  return new Promise((resolve, reject) => {
    const options = { host: apiHost, port: apiPort, method, path: RUNTIME_PATH + route, agent, headers };
    const request = httpRequest(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

function post(route, body, headers) {
  const length = Buffer.byteLength(body);
  return call('POST', route, { 'Content-Type': 'application/json', ...headers, 'Content-Length': length }, body);
}

/** A process that is about to exit, for an error that nobody handled, asks for no event any more. */
async function next() {
  if (channel) await new Promise(setImmediate); // by HTTP there were turns enough for such an error to show
  if (isEnding) await new Promise(() => {});
  if (channel) return channel.next();
  const event = await call('GET', 'invocation/next');
  if (event.status !== 200) throw new Error(`the Runtime API answered ${event.status}: ${event.body}`);
  return event;
}

function postResponse(id, body, headers) {
  return channel ? channel.respond(id, body) : post(`invocation/${id}/response`, body, headers);
}

function postError(route, error) {
  const document = errorDocument(error);
  const [kind, id] = route.split('/');
  if (channel && kind === 'invocation') return channel.fail(id, headerValue(document.errorType), JSON.stringify(document));
  return post(route, JSON.stringify(document), { [ERROR_TYPE_HEADER]: headerValue(document.errorType) });
}

const headerValue = (text) => String(text).replace(/[^\x20-\x7e]/g, '?');

function errorDocument(error) {
  try {
    if (types.isNativeError(error) || (error && [error.name, error.message, error.stack].every(isText))) {
      return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

/** The stack without the frames of this file, which say nothing to whoever wrote the handler. */
function trim(error) {
  if (types.isNativeError(error) && typeof error.stack === 'string') {
    const frames = error.stack.split('\n').filter((line) => !line.includes(import.meta.url));
    Object.defineProperty(error, 'stack', { value: frames.join('\n'), configurable: true, writable: true });
  }
  return error;
}

const isText = (value) => typeof value === 'string' && value !== '';

// ---- the channel ----

const CHANNEL_VARIABLES = ['WSFLEET_EVENTS', 'WSFLEET_ANSWERS'];
const MAX_RESPONSE_BYTES = 6291556; // over it only the length is sent; also where an error document is cut
const HEAD_BYTES = 5; // length and kind; the length counts the kind
const QUESTION = Buffer.from('\0\0\0\u0001N');
const EVENT_LINES = [
  'lambda-runtime-aws-request-id',
  'lambda-runtime-deadline-ms',
  'lambda-runtime-invoked-function-arn',
  'lambda-runtime-trace-id',
  'lambda-runtime-client-context',
];

class Channel {
  #answers;
  #received = Buffer.alloc(0);
  #waiting = null;

  constructor(events, answers) {
    this.#answers = answers;
    this.socket = new net.Socket({ fd: events, readable: true, writable: false });
    this.socket.unref(); // a handler's event loop is empty when nothing but this is left
    this.socket.on('data', (chunk) => this.#take(chunk));
    this.socket.on('error', (error) => this.#end(error));
    this.socket.on('close', () => this.#end(new Error('the gateway has gone')));
  }

  next() {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.socket.ref();
      this.#write(QUESTION);
    });
  }

  respond(id, body) {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    if (bytes.length <= MAX_RESPONSE_BYTES) this.#send('R', `${id}\n`, bytes);
    else this.#send('L', `${id}\n${bytes.length}`, Buffer.alloc(0));
    return Promise.resolve();
  }

  fail(id, type, document) {
    this.#send('F', `${id}\n${type}\n`, Buffer.from(document).subarray(0, MAX_RESPONSE_BYTES));
    return Promise.resolve();
  }

  #send(kind, lines, body) {
    const head = Buffer.from(`\0\0\0\0${kind}${lines}`);
    head.writeUInt32BE(head.length - 4 + body.length);
    this.#write(Buffer.concat([head, body]));
  }

  /** At once, or a process that ends would take it along. */
  #write(data) {
    let rest = data;
    while (rest.length > 0) rest = rest.subarray(writeSync(this.#answers, rest));
  }

  #take(chunk) {
    this.#received = this.#received.length ? Buffer.concat([this.#received, chunk]) : chunk;
    while (this.#received.length >= HEAD_BYTES) {
      const end = 4 + this.#received.readUInt32BE(0);
      if (this.#received.length < end) return;
      const frame = this.#received.subarray(HEAD_BYTES, end);
      const isEvent = this.#received[4] === 'E'.charCodeAt(0);
      this.#received = this.#received.subarray(end);
      if (isEvent) this.#give(frame); // anything else is a refusal, and the next event comes all the same
    }
  }

  #give(frame) {
    const headers = {};
    let at = 0;
    for (const name of EVENT_LINES) {
      const end = frame.indexOf(10, at);
      if (end > at) headers[name] = frame.toString('utf8', at, end);
      at = end + 1;
    }
    this.socket.unref();
    this.#waiting.resolve({ headers, body: frame.toString('utf8', at) });
    this.#waiting = null;
  }

  #end(error) {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}

function openChannel() {
  const [events, answers] = CHANNEL_VARIABLES.map((name) => env[name]);
  if (events === undefined || answers === undefined) return null;
  CHANNEL_VARIABLES.forEach((name) => delete env[name]);
  return new Channel(Number(events), Number(answers));
}

const channel = openChannel();

// ---- finding the handler ----

async function loadHandler(taskRoot, name) {
  if (name.includes('..')) {
    throw new RuntimeError(
      'MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const folder = path.dirname(name);
  const [, module, members] = path.basename(name).match(/^([^.]*)\.(.*)$/) ?? [];
  if (members === undefined) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  const exported = await loadModule(taskRoot, path.resolve(taskRoot, folder), module);
  const handler = members.split('.').reduce((found, member) => found?.[member], exported);
  if (!handler) throw new RuntimeError('HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', `${name} is not a function`);
  return handler;
}

async function loadModule(taskRoot, folder, module) {
  try {
    return await findModule(taskRoot, folder, module);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('UserCodeSyntaxError', String(error));
    if (error?.code === 'MODULE_NOT_FOUND') throw new RuntimeError('ImportModuleError', String(error));
    throw error;
  }
}

async function findModule(taskRoot, folder, module) {
  const file = path.join(folder, module);
  const require = createRequire(path.join(taskRoot, 'index.js'));
  const importFile = (found) => import(pathToFileURL(found).href);
  if (fs.existsSync(file)) return require(file);
  if (fs.existsSync(`${file}.js`)) return isModuleFolder(folder) ? importFile(`${file}.js`) : require(`${file}.js`);
  if (fs.existsSync(`${file}.mjs`)) return importFile(`${file}.mjs`);
  if (fs.existsSync(`${file}.cjs`)) return require(`${file}.cjs`);
  return require(require.resolve(module, { paths: [taskRoot, folder] }));
}

/** Whether the nearest package.json says that .js files are ES modules. */
function isModuleFolder(folder) {
  if (path.basename(folder) === 'node_modules') return false;
  const manifest = path.join(folder, 'package.json');
  if (fs.existsSync(manifest)) {
    try {
      return JSON.parse(fs.readFileSync(manifest, 'utf8'))?.type === 'module';
    } catch (error) {
      console.warn(`${manifest} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  const parent = path.dirname(folder);
  return parent !== folder && isModuleFolder(parent);
}

// ---- streaming handlers, whose stream is collected ----

class ResponseStream extends Writable {
  chunks = [];
  contentType = 'application/octet-stream';

  constructor() {
    super({ decodeStrings: false, objectMode: true });
  }

  setContentType(contentType) {
    this.contentType = contentType;
  }

  _write(chunk, encoding, done) {
    if (this._onBeforeFirstWrite && this.chunks.length === 0) {
      this._onBeforeFirstWrite((first) => this.chunks.push(Buffer.from(first)));
    }
    this.chunks.push(toBuffer(chunk, encoding));
    done();
  }
}

function toBuffer(chunk, encoding) {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.from(JSON.stringify(chunk));
}

globalThis.awslambda = {
  streamifyResponse(handler) {
    handler[STREAMING] = 'response';
    return handler;
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType(PRELUDE_CONTENT_TYPE);
      stream._onBeforeFirstWrite = (write) => {
        write(JSON.stringify(prelude));
        write(PRELUDE_END);
      };
      return stream;
    },
  },
};

// ---- one invocation ----

let isEnding = false; // an uncaught error is on its way, after which the process exits
let errorRoute = 'init/error'; // where an uncaught error is reported; null while no request is being handled
let whenLoopIsEmpty = () => {};

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsedHeader(headers, 'lambda-runtime-client-context'),
    identity: parsedHeader(headers, 'lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - now(),
  };
}

const parsedHeader = (headers, name) => (headers[name] === undefined ? undefined : JSON.parse(headers[name]));

// process.env has the trace id of each event, the C library's environment has not: glibc's setenv keeps every value that
// a variable ever had, for as long as the process lives.
const TRACE_ID = '_X_AMZN_TRACE_ID';
let traceId;
process.env = new Proxy(env, {
  get: (target, name) => (name === TRACE_ID ? traceId : target[name]),
  has: (target, name) => (name === TRACE_ID ? traceId !== undefined : name in target),
  set: (target, name, value) => {
    if (name === TRACE_ID) traceId = String(value);
    else target[name] = value;
    return true;
  },
  deleteProperty: (target, name) => {
    if (name === TRACE_ID) traceId = undefined;
    return delete target[name];
  },
  ownKeys: (target) => (traceId === undefined ? Reflect.ownKeys(target) : [...Reflect.ownKeys(target), TRACE_ID]),
  getOwnPropertyDescriptor: (target, name) => {
    if (name !== TRACE_ID) return Reflect.getOwnPropertyDescriptor(target, name);
    return traceId === undefined ? undefined : { value: traceId, writable: true, enumerable: true, configurable: true };
  },
});
delete env[TRACE_ID];

function setTraceId(headers) {
  traceId = headers['lambda-runtime-trace-id'] || undefined;
}

/** Resolves once the answer, of whatever kind, has been sent. */
function invoke(handler, { headers, body }) {
  const id = headers['lambda-runtime-aws-request-id'];
  errorRoute = `invocation/${id}/error`;
  setTraceId(headers);
  return new Promise((resolve, reject) => {
    const sent = (answer) => {
      whenLoopIsEmpty = () => {};
      answer.then(resolve, reject);
    };
    const succeed = (result) => {
      let text;
      try {
        text = JSON.stringify(result === undefined ? null : result);
        if (text === undefined) text = 'null'; // a function or a symbol
      } catch {
        fail(new Error('Unable to stringify response body'));
        return;
      }
      sent(postResponse(id, text));
    };
    const fail = (error) => {
      console.error('Invoke Error', trim(error));
      sent(postError(`invocation/${id}/error`, error));
    };
    const context = contextOf(headers);
    if (handler[STREAMING]) runStreaming(handler, JSON.parse(body), context, (send) => sent(send(id)), fail);
    else runBuffered(handler, JSON.parse(body), context, succeed, fail);
  });
}

/** Async handlers answer when their promise settles; others by callback, by default once the event loop is empty. */
function runBuffered(handler, event, context, succeed, fail) {
  let waitsForEmptyLoop = true;
  let answered = false;
  const once =
    (answer) =>
    (...values) => {
      if (answered) return;
      answered = true;
      whenLoopIsEmpty = () => {};
      answer(...values);
    };
  const done = once((error, result) => (error === undefined || error === null ? succeed(result) : fail(error)));
  const callback = once((error, result) => {
    if (error !== undefined && error !== null) fail(error);
    else if (waitsForEmptyLoop) whenLoopIsEmpty = () => succeed(result);
    else succeed(result);
  });
  Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
    enumerable: true,
    get: () => waitsForEmptyLoop,
    set: (value) => {
      waitsForEmptyLoop = value;
    },
  });
  context.done = done;
  context.succeed = (result) => done(null, result);
  context.fail = (error) => done(error ?? 'handled');

  const isAsync = handler.constructor?.name === 'AsyncFunction';
  whenLoopIsEmpty = once(() => (isAsync ? fail(neverSettled()) : succeed(null)));
  try {
    const result = handler(event, context, callback);
    if (typeof result?.then === 'function') result.then(context.succeed, context.fail);
  } catch (error) {
    context.fail(error);
  }
}

const neverSettled = () =>
  new RuntimeError(
    'NodeJsExit',
    'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes',
  );

function runStreaming(handler, event, context, send, fail) {
  const stream = new ResponseStream();
  let answered = false;
  const once = (answer) => {
    if (!answered) {
      answered = true;
      answer();
    }
  };
  const finish = () => {
    if (!stream.writableFinished) {
      fail('Response stream is not finished.');
      return;
    }
    const headers = { 'Content-Type': stream.contentType, 'Lambda-Runtime-Function-Response-Mode': 'streaming' };
    send((id) => postResponse(id, Buffer.concat(stream.chunks), headers));
  };
  whenLoopIsEmpty = () => once(() => fail(neverSettled()));
  stream.on('error', (error) => once(() => fail(error)));
  try {
    const result = handler(event, stream, context);
    if (typeof result?.then === 'function') {
      // `finish` is told of one turn after the handler's `end`
      result.then(
        () => setImmediate(() => once(finish)),
        (error) => once(() => fail(error)),
      );
    } else {
      once(() => fail('Streaming does not support non-async handlers.'));
    }
  } catch (error) {
    once(() => fail(error));
  }
}

// ---- the process ----

async function reportAndExit(title, error, code) {
  console.error(title, trim(error));
  const route = errorRoute;
  isEnding = true;
  errorRoute = null;
  try {
    if (route !== null) await postError(route, error);
  } finally {
    exit(code);
  }
}

process.on('uncaughtException', (error) => {
  reportAndExit('Uncaught Exception', error, EXIT_AFTER_EXCEPTION);
});

process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('UnhandledPromiseRejection', String(reason));
  if (types.isNativeError(reason)) error.stack = `${error.name}: ${trim(reason).stack}`;
  reportAndExit('Unhandled Promise Rejection', error, EXIT_AFTER_REJECTION);
});

process.on('beforeExit', () => whenLoopIsEmpty());

async function main() {
  let handler;
  try {
    handler = await loadHandler(env.LAMBDA_TASK_ROOT ?? process.cwd(), env._HANDLER);
    await new Promise(setImmediate); // rejections that nobody handles while loading are told of until then
  } catch (error) {
    await reportAndExit('Init Error', error, 1);
    return;
  }
  for (;;) {
    errorRoute = null;
    let event;
    try {
      event = await next();
    } catch (error) {
      console.error(String(error));
      exit(1);
    }
    await invoke(handler, event);
  }
}

main();
