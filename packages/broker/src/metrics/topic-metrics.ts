// What topics have taken and given, with the names that jmx_exporter gives to Kafka's BrokerTopicMetrics.
import type { TopicCounters } from '../replica/topic-counters.ts'
import type { Family } from './family.ts'
import { families } from './family.ts'

interface TopicCount {
  readonly name: string
  readonly counters: TopicCounters
}

const metric = (name: string, help: string, of: (counters: TopicCounters) => number) => ({
  name: `kafka_server_brokertopicmetrics_${name}_total`,
  help,
  type: 'counter' as const,
  value: ({ counters }: TopicCount) => of(counters),
})

/** The counters of all topics. */
export const topicMetrics = (topics: () => Iterable<TopicCount>): Family[] =>
  families(topics, { names: ['topic'], of: ({ name }) => ({ topic: name }) }, [
    metric('messagesin', 'Records appended', counters => counters.recordsIn),
    metric('bytesin', 'Bytes appended', counters => counters.bytesIn),
    metric('bytesout', 'Bytes read', counters => counters.bytesOut),
    metric('totalproducerequests', 'Produce requests', counters => counters.produceRequests),
    metric('totalfetchrequests', 'Fetch requests', counters => counters.fetchRequests),
    metric('failedproducerequests', 'Produce requests that failed', counters => counters.failedProduceRequests),
    metric('failedfetchrequests', 'Fetch requests that failed', counters => counters.failedFetchRequests),
  ])
