// Compiles the writing of one message in one version to straight-line code; see codec-read.ts.
import type { Member, Plan } from './codec-plan.ts'
import { fallbackSource, fixedSize, isNullable, membersOf, Names, taggedOf, unknownTags } from './codec-plan.ts'
import { generatedScript } from './generated-script.ts'
import type { Shape, Spec } from './schema.ts'
import { broken } from './wire/protocol-error.ts'
import type { Writer } from './wire/writer.ts'
import { asInt16, asInt32, asInt8, asUint16, asUint32, writeInt64 } from './wire/writer.ts'

const missing = (name: string): never => broken('null', `${name} must have a value`)
const unsent = (name: string): never => broken('version', `${name} cannot be sent in this version`)
const asBigInt64 = (value: bigint, name: string): bigint =>
  typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? value : broken('value', `${name} cannot be ${String(value)}`)
const asNumber = (value: number, name: string): number =>
  typeof value === 'number' ? value : broken('value', `${name} cannot be ${String(value)}`)

const parts = {
  asInt8,
  asInt16,
  asUint16,
  asInt32,
  asUint32,
  asBigInt64,
  asNumber,
  int64: writeInt64,
  empty: Buffer.alloc(0),
  unknownTags,
  missing,
  unsent,
}

/** The writing function of a message. */
export function compileWriter(plan: Plan): (writer: Writer, value: unknown) => void {
  const compiler = new WriteCompiler(plan)
  const entry = compiler.structFunction(plan.shape)
  const make: (given: typeof parts) => (writer: Writer, value: unknown) => void = generatedScript(`${plan.name}.write`, {
    parts: Object.keys(parts),
    functions: compiler.functions,
    entry,
  }).runInThisContext()
  return make(parts)
}

class WriteCompiler {
  readonly functions: string[] = []
  private readonly names = new Names()
  private readonly made = new Map<Shape, string>()
  private readonly setTests = new Map<Shape, string>()
  private readonly plan: Plan

  constructor(plan: Plan) {
    this.plan = plan
  }

  /** Name of the function that writes a struct. */
  structFunction(shape: Shape): string {
    const known = this.made.get(shape)
    if (known !== undefined) return known
    const name = this.names.fresh('write')
    this.made.set(shape, name)
    const members = membersOf(shape, this.plan.version)
    const lines = [`function ${name}(w, m) {`, ...this.plainFields(members)]
    for (const member of members) {
      if (member.role !== 'absent' || member.spec.ignorable === true) continue
      const value = this.names.fresh('a')
      lines.push(`const ${value} = m.${member.name}`, `if (${this.isSet(value, member.spec)}) unsent('${member.name}')`)
    }
    if (this.plan.flexible) lines.push(...this.tags(taggedOf(members)))
    else lines.push(`if (m[unknownTags] !== undefined) unsent('a tagged field')`)
    lines.push('}')
    this.functions.push(lines.join('\n'))
    return name
  }

  private plainFields(members: readonly Member[]): string[] {
    const lines: string[] = []
    const plain = members.filter(member => member.role === 'plain')
    for (let index = 0; index < plain.length; ) {
      let size = 0
      const values: string[] = []
      const stores: string[] = []
      const at = this.names.fresh('p')
      for (let member = plain[index]; member !== undefined; member = plain[index]) {
        const width = fixedSize(member.spec)
        if (width === undefined) break
        const value = this.names.fresh('f')
        values.push(...this.fetch(value, member))
        stores.push(this.store(member.spec, size === 0 ? at : `${at} + ${size}`, value, member.name))
        size += width
        index++
      }
      if (size > 0) lines.push(...values, `const ${at} = w.take(${size})`, ...stores)
      const member = plain[index++]
      if (member === undefined) continue
      const value = this.names.fresh('f')
      lines.push(...this.fetch(value, member), ...this.variable(value, member.spec, member))
    }
    return lines
  }

  /** Declares `value` with the field or its default. */
  private fetch(value: string, { name, spec }: Member): string[] {
    const fallback = spec.kind === 'struct' && spec.fallback === undefined ? '{}' : fallbackSource(spec, this.plan.mode)
    return spec.optional === true
      ? [`let ${value} = m.${name}`, `if (${value} === undefined) ${value} = ${fallback}`]
      : [`const ${value} = m.${name}`]
  }

  private store(spec: Spec, at: string, value: string, name: string): string {
    switch (spec.kind) {
      case 'bool':
        return `w.view.setInt8(${at}, ${value} === true ? 1 : ${value} === false ? 0 : missing('${name}'))`
      case 'int64':
        return this.plan.mode === 'bigint'
          ? `w.view.setBigInt64(${at}, asBigInt64(${value}, '${name}'))`
          : `int64(w.view, ${at}, ${value}, '${name}')`
      case 'float64':
        return `w.view.setFloat64(${at}, asNumber(${value}, '${name}'))`
      case 'uuid':
        return `w.uuidAt(${at}, ${value})`
      default:
        return `w.view.set${capital(spec.kind)}(${at}, as${capital(spec.kind)}(${value}, '${name}'))`
    }
  }

  /** Statements that write a value of variable size. */
  private variable(value: string, spec: Spec, { name, nullable }: { name: string; nullable: boolean }): string[] {
    if (spec.kind === 'array' && spec.of !== undefined) return this.array(value, spec.of, { name, nullable })
    if (spec.kind === 'struct') {
      const write = `${this.structFunction(spec.shape ?? {})}(w, ${value})`
      return nullable
        ? [`if (${value} === null) w.int8(-1); else { w.int8(1); ${write} }`]
        : [`if (${value} === null || ${value} === undefined) missing('${name}')`, write]
    }
    const kind = spec.kind === 'bytes' ? 'bytesField' : spec.kind
    const method = nullable ? `nullable${capital(kind)}` : kind
    const check = nullable ? [] : [`if (${value} === null) missing('${name}')`]
    return [...check, `w.${this.plan.flexible ? `compact${capital(method)}` : method}(${value})`]
  }

  private array(value: string, of: Spec, { name, nullable }: { name: string; nullable: boolean }): string[] {
    const { flexible, version } = this.plan
    const [index, count, at, element] = [this.names.fresh('i'), this.names.fresh('n'), this.names.fresh('p'), this.names.fresh('e')]
    const width = fixedSize(of)
    const loop = `for (let ${index} = 0; ${index} < ${count}; ${index}++)`
    const elements =
      width === undefined
        ? [
            `${loop} {`,
            `const ${element} = ${value}[${index}]`,
            ...this.variable(element, of, { name, nullable: isNullable(of, version) }),
            '}',
          ]
        : [
            `const ${at} = w.take(${count} * ${width})`,
            `${loop} { ${this.store(of, `${at} + ${index} * ${width}`, `${value}[${index}]`, name)} }`,
          ]
    const whole = [`const ${count} = ${value}.length`, flexible ? `w.uvarint(${count} + 1)` : `w.count(${count})`, ...elements]
    const none = flexible ? 'w.uvarint(0)' : 'w.count(-1)'
    return [
      `if (!Array.isArray(${value})) { ${nullable ? `if (${value} === null) ${none}; else ` : ''}missing('${name}') }`,
      'else {',
      ...whole,
      '}',
    ]
  }

  private tags(tagged: readonly Member[]): string[] {
    const lines = ['const unknown = m[unknownTags]', 'let count = unknown === undefined ? 0 : unknown.length']
    const plans = tagged.map(member => ({ member, value: this.names.fresh('g') }))
    if (tagged.length === 0) {
      return [...lines, 'w.uvarint(count)', 'if (count > 0) w.unknownTags(unknown, 0, Infinity)']
    }
    for (const { member, value } of plans) {
      lines.push(`const ${value} = m.${member.name}`, `const has${value} = ${this.isSet(value, member.spec)}`, `if (has${value}) count++`)
    }
    lines.push('w.uvarint(count)', 'if (count > 0) {', 'let next = 0')
    for (const { member, value } of plans) {
      const tag = member.spec.tag ?? 0
      lines.push(`if (unknown !== undefined) next = w.unknownTags(unknown, next, ${tag})`)
      lines.push(`if (has${value}) {`, `w.uvarint(${tag})`, ...this.taggedValue(value, member), '}')
    }
    lines.push('if (unknown !== undefined) w.unknownTags(unknown, next, Infinity)', '}')
    return lines
  }

  private taggedValue(value: string, member: Member): string[] {
    const { spec, name } = member
    const width = fixedSize(spec)
    if (width !== undefined) {
      const at = this.names.fresh('p')
      return [`w.uvarint(${width})`, `const ${at} = w.take(${width})`, this.store(spec, at, value, name)]
    }
    const body =
      spec.kind === 'struct' && member.nullable
        ? [`if (${value} === null) w.int8(0); else { w.int8(1); ${this.structFunction(spec.shape ?? {})}(w, ${value}) }`]
        : this.variable(value, spec, member)
    const mark = this.names.fresh('k')
    return [`const ${mark} = w.length`, ...body, `w.sizeBefore(${mark})`]
  }

  /** An expression: whether a value is given and differs from the default. */
  private isSet(value: string, spec: Spec): string {
    const given = `${value} !== undefined && `
    if (spec.kind === 'struct') {
      if (spec.fallback === null) return `${given}${value} !== null`
      return `${given}(${value} === null || ${this.setTest(spec.shape ?? {})}(${value}))`
    }
    if (spec.fallback === null) return `${given}${value} !== null`
    if (spec.kind === 'array' || spec.kind === 'bytes' || spec.kind === 'records') {
      return `${given}(${value} === null || ${value}.length !== 0)`
    }
    return `${given}${value} !== ${fallbackSource(spec, this.plan.mode)}`
  }

  /** Name of the function that says whether any field of a struct is set. */
  private setTest(shape: Shape): string {
    const known = this.setTests.get(shape)
    if (known !== undefined) return known
    const name = this.names.fresh('isSet')
    this.setTests.set(shape, name)
    const tests = Object.entries(shape).map(([field, { spec }]) => `(${this.isSet(`m.${field}`, spec)})`)
    this.functions.push(`function ${name}(m) { return ${[...tests, 'm[unknownTags] !== undefined'].join(' || ')} }`)
    return name
  }
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
