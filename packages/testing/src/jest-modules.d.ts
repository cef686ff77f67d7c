// As much of jest's packages as the matchers for them need, so that this package is built without jest. Programs have jest's own types.
declare module '@jest/globals' {
  export const expect: { extend(added: object): void }
}

declare module 'expect' {
  export interface Matchers<R extends void | Promise<void>, T = unknown> {
    readonly ofJest?: [R, T]
  }
}
