/** What one topic's partitions on this broker have served since they came here (Kafka's BrokerTopicMetrics). */
export class TopicCounters {
  recordsIn = 0
  bytesIn = 0
  bytesOut = 0
  produceRequests = 0
  fetchRequests = 0
  failedProduceRequests = 0
  failedFetchRequests = 0
}
