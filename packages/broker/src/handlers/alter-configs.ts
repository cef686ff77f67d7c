// AlterConfigs, versions 0 to 2: replaces all settings of a resource. Older than IncrementalAlterConfigs, but all that some clients have.
import { alterConfigsApi, errorOf } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { type AlterParts, alterResources } from './alter-resources.ts'

/** Serves AlterConfigs. */
export function alterConfigs(parts: AlterParts): Handler<typeof alterConfigsApi> {
  return handler({
    api: alterConfigsApi,
    versions: [0, 2],
    async handle({ resources, validateOnly }) {
      const responses = await alterResources(parts, {
        resources,
        validateOnly,
        mayLackValue: () => false,
        changeOf: configs => ({ replaceBy: new Map(configs.map(({ name, value }) => [name, value ?? ''])) }),
      })
      return { throttleTimeMs: 0, responses }
    },
    onError: (errorCode, request) => ({
      throttleTimeMs: 0,
      responses: request.resources.map(({ resourceType, resourceName }) => {
        return { errorCode, errorMessage: errorOf(errorCode).message, resourceType, resourceName }
      }),
    }),
  })
}
