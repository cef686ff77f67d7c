import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int16, int32, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const topicConfig = {
  key: string,
  value: string,
}

const topicInfo = {
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(topicConfig),
}

export const streamsGroupTopologyKey = message({
  name: 'StreamsGroupTopologyKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const streamsGroupTopologyValue = message({
  name: 'StreamsGroupTopologyValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32,
    subtopologies: array({
      subtopologyId: string,
      sourceTopics: array(string),
      sourceTopicRegex: array(string),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16),
        sourceTopicRegex: array(int16),
        repartitionSourceTopics: array(int16),
      }),
    }),
  },
})

/** Topology of a streams group. */
export const streamsGroupTopologyRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 23,
  key: streamsGroupTopologyKey,
  value: streamsGroupTopologyValue,
})

export interface StreamsGroupTopologyKey extends MessageOf<typeof streamsGroupTopologyKey> {}
export interface StreamsGroupTopologyKeyInit extends MessageInitOf<typeof streamsGroupTopologyKey> {}
export interface StreamsGroupTopologyValue extends MessageOf<typeof streamsGroupTopologyValue> {}
export interface StreamsGroupTopologyValueInit extends MessageInitOf<typeof streamsGroupTopologyValue> {}
