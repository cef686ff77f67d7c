// Types of the part of WebAssembly used here: TypeScript has them among those of browsers, which nothing else here wants. Who loads code declares
// `WebAssembly` as a `WasmHost` of the exports it knows.

/** Memory of an instance; `buffer` is another one after the memory has grown. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** Compiled code. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string
}

/** Compiles and instantiates synchronously. */
export interface WasmHost<Exports> {
  readonly Module: new (code: Uint8Array) => WasmModule
  readonly Instance: new (module: WasmModule, imports?: object) => { readonly exports: Exports }
}
