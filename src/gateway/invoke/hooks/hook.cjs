// Runs at the start of every Node handler process and worker thread (NODE_OPTIONS=--require), before anything of the
// application. It does what a managed runtime and its network do, and the application never learns of it:
//
// 1. Host names. WSFLEET_HOSTS is a JSON list of [pattern, address, port, plain port] (environment.HostRule). A socket
//    that connects to a name that matches reaches that address instead; TLS server name and Host header stay what the
//    application said. All other names and ports are untouched.
// 2. `import` of packages looks into the folders of NODE_PATH when the application's own node_modules have no such
//    package. Lambda does so since Node.js 18, plain Node does it for `require` only.
// 3. Layers. `require` and `import` of a file below /opt find it in the folder WSFLEET_OPT.
"use strict";

const net = require("net");
const path = require("path");
const module_ = require("module");

const TLS_PORTS = new Set(["443"]);
const PLAIN_PORTS = new Set(["80"]);

/** The rule that leads a host name elsewhere, undefined when there is none. */
function ruleFor(rules) {
  const patterns = rules.map(([pattern, ...place]) => {
    const literals = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return [new RegExp(`^${literals.join(".*")}$`), place];
  });
  return (host) => {
    if (typeof host !== "string") return undefined;
    const name = host.toLowerCase().replace(/\.$/, "");
    const found = patterns.find(([pattern]) => pattern.test(name));
    return found && found[1][0] ? found[1] : undefined;
  };
}

function leadHosts(rules) {
  const dns = require("dns");
  const find = ruleFor(rules);
  const lookup = dns.lookup;
  const promisedLookup = dns.promises.lookup;
  const connect = net.Socket.prototype.connect;

  /** [address, port] to use instead, undefined to leave the connection alone. */
  const lead = (rule, port) => {
    const text = String(port);
    if (TLS_PORTS.has(text)) return [rule[0], rule[1]];
    if (PLAIN_PORTS.has(text) && rule[2]) return [rule[0], rule[2]];
    return undefined;
  };

  /** A copy of connect options that leads elsewhere, or the options themselves. */
  const leadOptions = (options) => {
    const rule = options.path ? undefined : find(options.host);
    if (!rule) return options;
    const copy = Object.assign(Object.create(Object.getPrototypeOf(options)), options);
    const place = lead(rule, options.port);
    if (place) [copy.host, copy.port] = place;
    else if (!copy.lookup) copy.lookup = lookup; // another port of that host: none of our business
    return copy;
  };

  // Every way to connect ends here: net, tls, http, https, http2, fetch.
  net.Socket.prototype.connect = function (...args) {
    const [first, second] = args;
    if (Array.isArray(first)) {
      // what net.connect() and http make of their arguments: [options, callback], marked by a symbol of Node's
      const copy = Object.assign(first.slice(), { 0: leadOptions(first[0]) });
      for (const mark of Object.getOwnPropertySymbols(first)) copy[mark] = first[mark];
      args[0] = copy;
    } else if (first !== null && typeof first === "object") {
      args[0] = leadOptions(first);
    } else if (typeof second === "string" && find(second)) {
      const place = lead(find(second), first);
      if (place) [args[1], args[0]] = place;
      else args.splice(0, 2, { host: second, port: first, lookup });
    }
    return connect.apply(this, args);
  };

  dns.lookup = function (hostname, options, callback) {
    const rule = find(hostname);
    const done = typeof options === "function" ? options : callback;
    if (!rule || typeof done !== "function") return lookup.apply(this, arguments);
    const answer = options && options.all ? [[{ address: rule[0], family: 4 }]] : [rule[0], 4];
    process.nextTick(done, null, ...answer);
    return {};
  };
  Object.defineProperties(dns.lookup, Object.getOwnPropertyDescriptors(lookup)); // util.promisify's own, and the name

  dns.promises.lookup = async function (hostname, options) {
    const rule = find(hostname);
    if (!rule) return promisedLookup.apply(this, arguments);
    const answer = { address: rule[0], family: 4 };
    return options && options.all ? [answer] : answer;
  };
  if (module_.syncBuiltinESMExports) module_.syncBuiltinESMExports();
}

function resolveImports(folders, opt) {
  const { pathToFileURL } = require("url");
  const { isPackage, isMissing, inOpt } = require("./packages.cjs");
  const parents = folders.map((folder) => pathToFileURL(path.join(path.dirname(folder), "_")).href);
  if (module_.registerHooks) {
    module_.registerHooks({
      resolve(asked, context, nextResolve) {
        const specifier = inOpt(asked, opt);
        try {
          return nextResolve(specifier, context);
        } catch (error) {
          if (!isMissing(error) || !isPackage(specifier)) throw error;
          for (const parentURL of parents) {
            try {
              return nextResolve(specifier, { ...context, parentURL });
            } catch (another) {
              if (!isMissing(another)) throw another;
            }
          }
          throw error;
        }
      },
    });
    return;
  }
  // older ones than 18.19 and 20.6 have nothing of the kind for import
  if (module_.register) {
    module_.register(pathToFileURL(path.join(__dirname, "resolve.mjs")), { data: { parents, opt } });
  }
  if (opt) {
    const resolveFilename = module_._resolveFilename;
    module_._resolveFilename = function (request, ...rest) {
      return resolveFilename.call(this, inOpt(request, opt), ...rest);
    };
  }
}

if (process.env.WSFLEET_HOSTS) leadHosts(JSON.parse(process.env.WSFLEET_HOSTS));
const folders = (process.env.NODE_PATH || "").split(path.delimiter).filter((at) => path.basename(at) === "node_modules");
if (folders.length > 0 || process.env.WSFLEET_OPT) resolveImports(folders, process.env.WSFLEET_OPT);
