// Signature Version 4 for the management API (service execute-api), with what every Worker has: fetch and WebCrypto.

const SERVICE = "execute-api";
const text = new TextEncoder();

export async function signed(method, url, body, { accessKeyId, secretAccessKey, region }, now = new Date()) {
  const { host, pathname } = new URL(url);
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, ""); // 20261123T120000Z
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/${SERVICE}/aws4_request`;
  const names = "host;x-amz-date";
  const path = pathname.split("/").map(escaped).join("/"); // once more than on the wire, as AWS counts it
  const canonical = [method, path, "", `host:${host}`, `x-amz-date:${time}`, "", names, hex(await sha256(body))].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", time, scope, hex(await sha256(canonical))].join("\n");
  let key = text.encode(`AWS4${secretAccessKey}`);
  for (const part of [day, region, SERVICE, "aws4_request"]) {
    key = await hmac(key, part);
  }
  const signature = hex(await hmac(key, toSign));
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return new Request(url, { method, body, headers: { "x-amz-date": time, authorization } });
}

function escaped(segment) {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data) {
  return crypto.subtle.digest("SHA-256", text.encode(data));
}

async function hmac(key, data) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, text.encode(data));
}

function hex(buffer) {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
