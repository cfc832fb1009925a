// What both ways of hooking into `import` need.
"use strict";

const { pathToFileURL } = require("url");

/** Whether a specifier names a package, rather than a file, a URL or one of the package's own `#` imports. */
exports.isPackage = (specifier) => !/^(?:[./#]|[a-z][a-z0-9+.-]*:)/i.test(specifier);

/** Whether an error says that `import` found no such package. */
exports.isMissing = (error) => Boolean(error) && error.code === "ERR_MODULE_NOT_FOUND";

/** A specifier below /opt as it is on this machine; every other one as it is. */
exports.inOpt = (specifier, opt) => {
  if (!opt || typeof specifier !== "string") return specifier;
  if (specifier.startsWith("/opt/")) return opt + specifier.slice("/opt".length);
  if (specifier.startsWith("file:///opt/")) return pathToFileURL(opt).href + specifier.slice("file:///opt".length);
  return specifier;
};
