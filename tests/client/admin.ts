// An admin of a broker in the same process, for tests.
import { createAdmin } from '../../packages/client/src/admin/admin.ts'
import { createCluster } from '../../packages/client/src/cluster/create-cluster.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'

/** An admin that says nothing and gives up soon. */
export const adminOf = (bootstrap: string, retries = 5) =>
  createAdmin(
    createCluster({
      brokers: [bootstrap],
      clientId: 'admin-test',
      logger: createLogger({ level: logLevel.NOTHING }),
      retry: { initialRetryTime: 20, retries },
      allowAutoTopicCreation: false,
    }),
  )
