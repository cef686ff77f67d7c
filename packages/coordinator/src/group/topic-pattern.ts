// Subscriptions by pattern (KIP-848, SubscribedTopicRegex). Kafka matches whole topic names with RE2/J 1.8, whose time is linear in the name; RE2JS is
// the same engine with the same syntax. The known differences: RE2JS refuses repetitions that multiply to more than 1,000, refuses a
// backslash before a letter outside ASCII, and takes `{+` for a repeated brace. Kafka bounds neither a pattern's length (but for the 32 KiB
// of a string on the wire) nor its program. Here both are bounded, because linear time still means every instruction for every
// character of every topic: at the bounds a name of 249 characters takes some 20 ms at worst, with an ordinary pattern some microseconds.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js'
import { patternSize } from './pattern-size.ts'

/** Most characters of a pattern. */
export const MAX_TOPIC_PATTERN_LENGTH = 2048
/** Most instructions of its compiled program. */
export const MAX_TOPIC_PATTERN_INSTRUCTIONS = 2048

// What is told from the text is more than what is compiled in the end, so that only what is far above the bound is refused by it.
const roughLimit = 4 * MAX_TOPIC_PATTERN_INSTRUCTIONS

/**
 * A pattern of topic names. Its matcher may remember up to 8 MiB about what it has matched, so that one belongs to a pass over the
 * topics, not into the state of a group.
 */
export class TopicPattern {
  readonly text: string
  readonly #compiled: RE2JS

  private constructor(text: string, compiled: RE2JS) {
    this.text = text
    this.#compiled = compiled
  }

  /** Compiles a pattern. Throws KafkaError INVALID_REGULAR_EXPRESSION that says what is wrong with it. */
  static parse(text: string): TopicPattern {
    if (text.length > MAX_TOPIC_PATTERN_LENGTH) {
      throw new KafkaError(
        ErrorCode.INVALID_REGULAR_EXPRESSION,
        `SubscribedTopicRegex of ${text.length} characters is too long: ${MAX_TOPIC_PATTERN_LENGTH} are allowed.`,
      )
    }
    if (patternSize(text, roughLimit) > roughLimit) throw invalid(text, 'expression too large')
    const compiled = compile(text)
    if (compiled.programSize() > MAX_TOPIC_PATTERN_INSTRUCTIONS) throw invalid(text, 'expression too large')
    return new TopicPattern(text, compiled)
  }

  /** Whether the pattern matches the whole name. */
  matches(topic: string): boolean {
    return this.#compiled.matches(topic)
  }
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw invalid(text, error.getDescription())
    if (error instanceof RE2JSException) throw invalid(text, error.message)
    throw error
  }
}

const invalid = (text: string, reason: string): KafkaError =>
  new KafkaError(ErrorCode.INVALID_REGULAR_EXPRESSION, `SubscribedTopicRegex \`${text}\` is not a valid regular expression: ${reason}.`)
