# Written by `cargo xtask`: change crates/xtask/src/stack.capnp instead.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  # Smaller heaps, steadier answers and no throughput lost, measured.
  v8Flags = ["--optimize-for-size"],
  services = [
    (name = "splitlight", worker = .splitlight),
    (name = "front", worker = .front),
    # Webhooks may be told on this machine.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    (name = "assets", worker = .assets),
    (name = "shop", worker = .shop),
    (name = "shop-direct", worker = .shopDirect),
    (name = "state", disk = (path = "{{dir}}/state", writable = true)),
    (name = "assets-files", disk = (path = "{{assets}}")),
    (name = "shop-files", disk = (path = "{{dir}}/shop")),
    (name = "shop-direct-files", disk = (path = "{{dir}}/shop-direct")),
  ],
  sockets = [
    (name = "shop", address = "127.0.0.1:{{shop_port}}", http = (), service = "front"),
    (name = "api", address = "127.0.0.1:{{api_port}}", http = (), service = "splitlight"),
    (name = "plain", address = "127.0.0.1:{{plain_port}}", http = (), service = "shop-direct"),
  ],
);

const splitlight :Workerd.Worker = (
  modules = [
    (name = "shim.js", esModule = embed "worker/shim.js"),
    (name = "index.js", esModule = embed "worker/index.js"),
    (name = "index_bg.wasm", wasm = embed "worker/index_bg.wasm"),
  ],
  compatibilityDate = "{{date}}",
  durableObjectNamespaces = [
    (className = "Shard", uniqueKey = "splitlight-shard", enableSql = true),
    (className = "Rollup", uniqueKey = "splitlight-rollup", enableSql = true),
    (className = "Project", uniqueKey = "splitlight-project", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "state"),
  bindings = [
    (name = "SHARD", durableObjectNamespace = "Shard"),
    (name = "ROLLUP", durableObjectNamespace = "Rollup"),
    (name = "PROJECT", durableObjectNamespace = "Project"),
    (name = "ASSETS", service = "assets"),
    (name = "ORIGIN", service = "shop"),
    (name = "PROJECT_KEY", text = "shop"),
    (name = "PREFIX", text = "/_sl"),
    (name = "SHARDS", text = "4"),
    (name = "API_HOST", text = "{{api_hosts}}"),
    (name = "ADMIN_KEY", text = "{{admin_key}}"),
    (name = "COOKIE_KEY", text = "{{cookie_key}}"),
    (name = "ALLOWED_ORIGINS", text = "*"),
  ],
);

const front :Workerd.Worker = (
  modules = [(name = "front.mjs", esModule = embed "worker/front.mjs")],
  compatibilityDate = "{{date}}",
  bindings = [(name = "SPLITLIGHT", service = "splitlight")],
);

const assets :Workerd.Worker = (
  modules = [(name = "static.mjs", esModule = embed "worker/static.mjs")],
  compatibilityDate = "{{date}}",
  bindings = [(name = "FILES", service = "assets-files")],
);

const shop :Workerd.Worker = (
  modules = [(name = "static.mjs", esModule = embed "worker/static.mjs")],
  compatibilityDate = "{{date}}",
  bindings = [(name = "FILES", service = "shop-files")],
);

const shopDirect :Workerd.Worker = (
  modules = [(name = "static.mjs", esModule = embed "worker/static.mjs")],
  compatibilityDate = "{{date}}",
  bindings = [(name = "FILES", service = "shop-direct-files")],
);
