import { RingfenceError } from '../core/errors.ts'
import { type Node, parsePattern } from './pattern-syntax.ts'
import { spend } from './work.ts'

/** States of one pattern, once its counted repetitions are written out. */
const STATES_MAX = 1_000

type State =
  | { readonly kind: 'one'; readonly takes: (character: string) => boolean; readonly next: number }
  | { readonly kind: 'either'; readonly next: number[] }
  | { readonly kind: 'start' | 'end'; readonly next: number }
  | { readonly kind: 'found' }

/**
 * A regular expression of ECMAScript that takes time in proportion to the text, whoever wrote it:
 * all ways through it are followed at once. Back references and looking around are not of that kind.
 */
export class LinearPattern {
  readonly source: string
  readonly #states: State[] = []
  readonly #first: number

  /** @throws RingfenceError `invalid_manifest` for what is no pattern, or not one of this kind */
  constructor(source: string) {
    this.source = source
    const node = parsePattern(source)
    this.#first = this.#compile(node, this.#add({ kind: 'found' }))
  }

  /** Whether it is found anywhere in the text. */
  test(text: string): boolean {
    let current = new Set<number>()
    let at = 0
    for (const character of text) {
      if (this.#reach(current, this.#first, at === 0, false)) return true
      const next = new Set<number>()
      for (const index of current) {
        const state = this.#states[index]
        if (state?.kind !== 'one' || !state.takes(character)) continue
        const isLast = at + character.length === text.length
        if (this.#reach(next, state.next, false, isLast)) return true
      }
      spend(current.size + 1)
      current = next
      at += character.length
    }
    return this.#reach(current, this.#first, text === '', true)
  }

  /** Adds all states that are reached without a character. @returns whether one of them is the end */
  #reach(into: Set<number>, from: number, isStart: boolean, isEnd: boolean): boolean {
    const open = [from]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (into.has(index)) continue
      into.add(index)
      const state = this.#states[index]
      if (state?.kind === 'found') return true
      if (state?.kind === 'either') open.push(...state.next)
      if (state?.kind === 'start' && isStart) open.push(state.next)
      if (state?.kind === 'end' && isEnd) open.push(state.next)
    }
    return false
  }

  #add(state: State): number {
    if (this.#states.length >= STATES_MAX) {
      throw new RingfenceError('invalid_manifest', 'a pattern is too large')
    }
    return this.#states.push(state) - 1
  }

  /** @returns the state from which `node` is looked for, and then `next` */
  #compile(node: Node, next: number): number {
    if (node.kind === 'repeat') return this.#repeat(node.node, node.least, node.most, next)
    if (node.kind === 'one') return this.#add({ kind: 'one', takes: node.takes, next })
    if (node.kind === 'sequence') {
      return node.nodes.reduceRight((after, one) => this.#compile(one, after), next)
    }
    if (node.kind === 'either') {
      return this.#add({ kind: 'either', next: node.nodes.map((one) => this.#compile(one, next)) })
    }
    return this.#add({ kind: node.kind, next })
  }

  #repeat(node: Node, least: number, most: number, next: number): number {
    let after = next
    if (most === Number.POSITIVE_INFINITY) {
      const ways = [next]
      after = this.#add({ kind: 'either', next: ways })
      ways.push(this.#compile(node, after))
    } else {
      for (let n = least; n < most; n += 1) {
        after = this.#add({ kind: 'either', next: [next, this.#compile(node, after)] })
      }
    }
    for (let n = 0; n < least; n += 1) after = this.#compile(node, after)
    return after
  }
}
