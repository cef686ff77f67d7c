// The codecs that KafkaJS leaves to plug-ins, from @ottla/protocol. They are checked against every other client here.
import { compress as encode } from '@ottla/protocol'

export const compress = async (codec, bytes) => encode(codec, bytes)
