# The Worker on this machine, by the runtime that Cloudflare runs: npm start

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "relay", worker = .relay),
    # By default only public addresses can be fetched; the gateway's management API is on this machine.
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "relay")],
);

const relay :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "sign.js", esModule = embed "sign.js"),
  ],
  compatibilityDate = "2025-01-01",
  bindings = [
    (name = "MANAGEMENT_URL", fromEnvironment = "MANAGEMENT_URL"),
    (name = "WORKER_SECRET", fromEnvironment = "WORKER_SECRET"),
    (name = "AWS_REGION", fromEnvironment = "AWS_REGION"),
    (name = "AWS_ACCESS_KEY_ID", fromEnvironment = "AWS_ACCESS_KEY_ID"),
    (name = "AWS_SECRET_ACCESS_KEY", fromEnvironment = "AWS_SECRET_ACCESS_KEY"),
  ],
);
