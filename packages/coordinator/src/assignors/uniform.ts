// The `uniform` assignor (Kafka's UniformAssignor), the default: balanced first, sticky second.
import type { Assignor } from './assignor.ts'
import { assignHeterogeneous } from './uniform-heterogeneous.ts'
import { assignHomogeneous } from './uniform-homogeneous.ts'

export const uniformAssignor: Assignor = {
  name: 'uniform',
  assign: (group, topics) => (group.isHomogeneous ? assignHomogeneous(group, topics) : assignHeterogeneous(group, topics)),
}
