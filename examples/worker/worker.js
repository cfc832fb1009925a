// One POST per event: a client asks to connect, sends a message, is gone. The connection ID in the headers is all that
// is needed to reach that client later, from here or from anywhere.

import { signed } from "./sign.js";

export default {
  async fetch(request, env, context) {
    if (request.headers.get("x-worker-secret") !== env.WORKER_SECRET) {
      return new Response("only the gateway may ask", { status: 403 });
    }
    const event = request.headers.get("x-event-type");
    const connectionId = request.headers.get("x-connection-id");
    console.log(event, connectionId);
    switch (event) {
      case "CONNECT":
        return connect(new URL(request.url).searchParams.get("name"));
      case "MESSAGE":
        return message(connectionId, request.headers.get("x-route-key"), await request.text(), env, context);
      default:
        return new Response(); // nobody is left to read the answer to DISCONNECT
    }
  },
};

// Any status but 2xx refuses the upgrade.
function connect(name) {
  return name ? new Response() : new Response("who are you? connect with ?name=", { status: 401 });
}

function message(from, route, text, env, context) {
  if (route === "whoami") {
    return new Response(JSON.stringify({ you: from })); // the reply, for this route has a route response
  }
  context.waitUntil(relay(from, text, env)); // the answer to the gateway does not wait for it
  return new Response();
}

async function relay(from, text, env) {
  const { to, text: words } = parsed(text);
  if (to === undefined) {
    await post(from, { echo: text }, env);
  } else if ((await post(to, { from, text: words }, env)) === 410) {
    await post(from, { gone: to }, env);
  }
}

function parsed(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

// PostToConnection; the status is 410 once the client is gone.
async function post(connectionId, document, env) {
  const url = `${env.MANAGEMENT_URL}/@connections/${encodeURIComponent(connectionId)}`;
  const keys = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY };
  const response = await fetch(await signed("POST", url, JSON.stringify(document), { ...keys, region: env.AWS_REGION }));
  await response.arrayBuffer(); // read, so that the connection can be used again
  return response.status;
}
