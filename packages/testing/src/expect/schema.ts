// Formats of values: a Standard Schema (zod, valibot, arktype, ...), or a function.

/** What an implementation of Standard Schema 1 has (https://standardschema.dev). */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>
  }
}

/** What a Standard Schema answers. */
export type StandardResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] }

/** A Standard Schema; or a function that says whether a value is right, or in a text what is wrong with it, or throws. */
export type Format = StandardSchema | ((value: never) => boolean | string | undefined)

/** What is wrong with a value, undefined where nothing is. */
export async function problemOf(format: Format, value: unknown): Promise<string | undefined> {
  if (typeof format === 'function') {
    try {
      const said: unknown = Reflect.apply(format, undefined, [value])
      if (said === false) return 'it is not accepted'
      return typeof said === 'string' && said !== '' ? said : undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  const { issues } = await format['~standard'].validate(value)
  return issues
    ?.map(({ message, path }) => (path === undefined || path.length === 0 ? message : `${pathInWords(path)}: ${message}`))
    .join('; ')
}

const pathInWords = (path: readonly unknown[]): string =>
  path.map(part => String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part)).join('.')
