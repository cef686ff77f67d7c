// IncrementalAlterConfigs, versions 0 and 1 (KIP-339): sets, deletes, appends to and subtracts from single settings. The levels of
// loggers (resource type 8) cannot be altered: none of Kafka's loggers is here, which is said as Kafka says it of unknown ones.
import { ErrorCode, errorOf, incrementalAlterConfigsApi, KafkaError } from '@ottla/protocol'
import { ConfigOperation } from '../controller/index.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { type AlterParts, alterResources } from './alter-resources.ts'

/** Throws for each logger that is named. Wording as Kafka's RuntimeLoggerManager. */
function checkLoggers(
  broker: string,
  { loggers, nodeId }: { loggers: readonly { readonly name: string; readonly configOperation: number }[]; nodeId: number },
): void {
  if (!/^[+-]?\d{1,10}$/.test(broker)) throw new KafkaError(ErrorCode.INVALID_REQUEST, `Node id must be an integer, but it is: ${broker}`)
  if (Number(broker) !== nodeId) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unexpected node id. Expected ${nodeId}, but received ${Number(broker)}`)
  }
  for (const { name, configOperation } of loggers) {
    if (configOperation === ConfigOperation.SET || configOperation === ConfigOperation.DELETE)
      throw new KafkaError(ErrorCode.INVALID_CONFIG, `Logger ${name} does not exist!`)
    const operation = Object.entries(ConfigOperation).find(([, number]) => number === configOperation)?.[0]
    const shown = operation === undefined ? `Unknown operation type ${configOperation}` : `${operation} operation`
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `${shown} is not allowed for the BROKER_LOGGER resource`)
  }
}

/** Serves IncrementalAlterConfigs. */
export function incrementalAlterConfigs(parts: AlterParts & { readonly nodeId: number }): Handler<typeof incrementalAlterConfigsApi> {
  return handler({
    api: incrementalAlterConfigsApi,
    versions: [0, 1],
    async handle({ resources, validateOnly }) {
      const responses = await alterResources(parts, {
        resources,
        validateOnly,
        mayLackValue: ({ configOperation }) => configOperation === ConfigOperation.DELETE,
        checkLoggers: (broker, loggers) => checkLoggers(broker, { loggers, nodeId: parts.nodeId }),
        changeOf: configs => ({
          changes: configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value })),
        }),
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
