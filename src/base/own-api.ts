import { registerHooks } from 'node:module';

/** Makes `portkit` mean this very program until it is disposed, wherever a module stands and whether or not it is installed there. */
export function provideApi(): Disposable {
  const url = new URL('../api.ts', import.meta.url).href;
  const hooks = registerHooks({
    resolve: (specifier, context, next) => (specifier === 'portkit' ? { url, shortCircuit: true } : next(specifier, context)),
  });
  return { [Symbol.dispose]: () => hooks.deregister() };
}
