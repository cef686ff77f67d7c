// Compiles the reading of one message in one version to straight-line code: every version test happens here, none while serving.
// A struct becomes a function that reads its fields into locals and builds the object by one literal, so all versions of a
// message have one hidden class. Neighbouring fields of fixed size share one bounds check.
import type { Int64Mode, Member, Plan } from './codec-plan.ts'
import { fallbackSource, fixedSize, isNullable, leastSize, membersOf, Names, taggedOf, unknownTags } from './codec-plan.ts'
import { generatedScript } from './generated-script.ts'
import type { Shape, Spec } from './schema.ts'
import type { Reader } from './wire/reader.ts'
import { readInt64 } from './wire/reader.ts'

const parts = { int64: readInt64, empty: Buffer.alloc(0), unknownTags }

/** The reading function of a message. */
export function compileReader(plan: Plan): (reader: Reader) => unknown {
  const compiler = new ReadCompiler(plan)
  const entry = compiler.structFunction(plan.shape)
  const make: (given: typeof parts) => (reader: Reader) => unknown = generatedScript(`${plan.name}.read`, {
    parts: Object.keys(parts),
    functions: compiler.functions,
    entry,
  }).runInThisContext()
  return make(parts)
}

class ReadCompiler {
  readonly functions: string[] = []
  private readonly names = new Names()
  private readonly made = new Map<Shape, string>()
  private readonly defaults = new Map<Shape, string>()
  private readonly plan: Plan

  constructor(plan: Plan) {
    this.plan = plan
  }

  /** Name of the function that reads a struct. */
  structFunction(shape: Shape): string {
    const known = this.made.get(shape)
    if (known !== undefined) return known
    const name = this.names.fresh('read')
    this.made.set(shape, name)
    const members = membersOf(shape, this.plan.version)
    const locals = new Map(members.map(member => [member, this.names.fresh('f')]))
    const local = (member: Member): string => locals.get(member) ?? ''
    const lines = [`function ${name}(r) {`, ...this.plainFields(members, local)]
    for (const member of members) {
      if (member.role !== 'plain') lines.push(`let ${local(member)} = ${this.fallback(member.spec)}`)
    }
    if (this.plan.flexible) lines.push(...this.tags(taggedOf(members), local))
    lines.push(`const m = { ${members.map(member => `${member.name}: ${local(member)}`).join(', ')} }`)
    if (this.plan.flexible) lines.push('if (unknown !== undefined) m[unknownTags] = unknown')
    lines.push('return m', '}')
    this.functions.push(lines.join('\n'))
    return name
  }

  private plainFields(members: readonly Member[], local: (member: Member) => string): string[] {
    const lines: string[] = []
    const plain = members.filter(member => member.role === 'plain')
    for (let index = 0; index < plain.length; ) {
      let size = 0
      const run: string[] = []
      const at = this.names.fresh('p')
      for (let member = plain[index]; member !== undefined; member = plain[index]) {
        const width = fixedSize(member.spec)
        if (width === undefined) break
        run.push(`const ${local(member)} = ${fixedValue(member.spec, size === 0 ? at : `${at} + ${size}`, this.plan.mode)}`)
        size += width
        index++
      }
      if (run.length > 0) lines.push(`const ${at} = r.take(${size})`, ...run)
      const member = plain[index++]
      if (member !== undefined) lines.push(...this.variable(local(member), member.spec, member.nullable))
    }
    return lines
  }

  /** Statements that declare `target` and read a value of variable size into it. */
  private variable(target: string, spec: Spec, nullable: boolean): string[] {
    if (spec.kind === 'array' && spec.of !== undefined) return this.array(target, spec.of, nullable)
    return [`const ${target} = ${this.value(spec, nullable)}`]
  }

  /** An expression that reads one value which is no array. */
  private value(spec: Spec, nullable: boolean): string {
    if (fixedSize(spec) !== undefined) return `r.${spec.kind === 'int64' && this.plan.mode === 'bigint' ? 'bigInt64' : spec.kind}()`
    if (spec.kind === 'struct') {
      const read = `${this.structFunction(spec.shape ?? {})}(r)`
      return nullable ? `r.int8() < 0 ? null : ${read}` : read
    }
    const name = nullable ? `nullable${capital(spec.kind)}` : spec.kind
    return this.plan.flexible ? `r.compact${capital(name)}()` : `r.${name}()`
  }

  /** Short arrays are literals: most lists of replicas have three, most requests one topic, and `new Array(n)` costs more than its elements. */
  private array(target: string, of: Spec, nullable: boolean): string[] {
    const { version, flexible, mode } = this.plan
    const [count, index, at] = [this.names.fresh('n'), this.names.fresh('i'), this.names.fresh('p')]
    const method = nullable ? 'nullableCount' : 'count'
    const width = fixedSize(of)
    const lines = [
      `const ${count} = r.${flexible ? `compact${capital(method)}` : method}(${leastSize(of, version, flexible)})`,
      `let ${target}`,
    ]
    if (nullable) lines.push(`if (${count} < 0) ${target} = null; else`)
    lines.push(`if (${count} === 0) ${target} = []`)
    const loop = `${target} = new Array(${count}); for (let ${index} = 0; ${index} < ${count}; ${index}++) ${target}[${index}]`
    if (width === undefined) {
      const value = this.value(of, isNullable(of, version))
      return [...lines, `else if (${count} === 1) ${target} = [${value}]`, `else { ${loop} = ${value} }`]
    }
    const element = (position: number): string => fixedValue(of, `${at} + ${position * width}`, mode)
    return [
      ...lines,
      'else {',
      `const ${at} = r.take(${count} * ${width})`,
      `if (${count} === 1) ${target} = [${element(0)}]`,
      `else if (${count} === 2) ${target} = [${element(0)}, ${element(1)}]`,
      `else if (${count} === 3) ${target} = [${element(0)}, ${element(1)}, ${element(2)}]`,
      `else { ${loop} = ${fixedValue(of, `${at} + ${index} * ${width}`, mode)} }`,
      '}',
    ]
  }

  private tags(tagged: readonly Member[], local: (member: Member) => string): string[] {
    if (tagged.length === 0) return ['const unknown = r.unknownTags()']
    const cases = tagged.flatMap(member => {
      const value = this.names.fresh('t')
      const { spec } = member
      const read =
        spec.kind === 'struct' && member.nullable
          ? [`const ${value} = r.int8() === 0 ? null : ${this.structFunction(spec.shape ?? {})}(r)`]
          : this.variable(value, spec, member.nullable)
      return [`case ${spec.tag}: {`, ...read, `${local(member)} = ${value}`, 'break', '}']
    })
    return [
      'let unknown',
      'for (let tags = r.tagCount(); tags > 0; tags--) {',
      'const tag = r.uvarint()',
      'const end = r.enterTag(r.uvarint())',
      'switch (tag) {',
      ...cases,
      'default: unknown = r.unknownTag(tag, unknown)',
      '}',
      'r.leaveTag(end)',
      '}',
    ]
  }

  private fallback(spec: Spec): string {
    return spec.kind === 'struct' && spec.fallback === undefined
      ? `${this.defaultFunction(spec.shape ?? {})}()`
      : fallbackSource(spec, this.plan.mode)
  }

  /** Name of the function that makes a struct of defaults; a new one each time, as readers may change what they got. */
  private defaultFunction(shape: Shape): string {
    const known = this.defaults.get(shape)
    if (known !== undefined) return known
    const name = this.names.fresh('empty')
    this.defaults.set(shape, name)
    const fields = Object.entries(shape).map(([field, { spec }]) => `${field}: ${this.fallback(spec)}`)
    this.functions.push(`function ${name}() { return { ${fields.join(', ')} } }`)
    return name
  }
}

function fixedValue(spec: Spec, at: string, mode: Int64Mode): string {
  switch (spec.kind) {
    case 'bool':
      return `r.view.getInt8(${at}) !== 0`
    case 'int64':
      return mode === 'bigint' ? `r.view.getBigInt64(${at})` : `int64(r.view, ${at})`
    case 'uuid':
      return `r.uuidAt(${at})`
    default:
      return `r.view.get${capital(spec.kind)}(${at})`
  }
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
