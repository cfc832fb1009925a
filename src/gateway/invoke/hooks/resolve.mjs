// `import` looks into further folders: the same as in hook.cjs, for versions of Node whose hooks run in a thread.
import packages from "./packages.cjs";

let parents = [];
let opt;

export function initialize(data) {
  ({ parents, opt } = data);
}

export async function resolve(asked, context, nextResolve) {
  const specifier = packages.inOpt(asked, opt);
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (!packages.isMissing(error) || !packages.isPackage(specifier)) throw error;
    for (const parentURL of parents) {
      try {
        return await nextResolve(specifier, { ...context, parentURL });
      } catch (another) {
        if (!packages.isMissing(another)) throw another;
      }
    }
    throw error;
  }
}
