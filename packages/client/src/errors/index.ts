// All error classes of the client.
export * from './base.ts'
export * from './client-errors.ts'
export * from './data-errors.ts'
export * from './protocol-errors.ts'
