// A client for Apache Kafka with the API of KafkaJS 2.2.4. `import kafkajs from 'kafkajs'` gives modules all of that package in one object, and
// for its error classes it is the only way: that works here as well.
export * from './exports.ts'
export * as default from './exports.ts'
