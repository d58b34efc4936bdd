import type { z } from 'zod'

/**
 * One thing that an operator can do to a tenant's realm, as everybody describes it who has to do with
 * it: the identity plane, which does it; the control plane, which lets operators ask for it over HTTP;
 * and the command line. Names on the wire are in snake case, and what there is not is null.
 */
export interface RealmOperation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below the tenant. What stands in braces is an input; the others are the query or the body. */
  readonly path: string
  readonly summary: string
  readonly tag: string
  readonly status: 200 | 201
  /** All that it is asked with, besides the tenant. Strict. */
  readonly input: z.ZodObject
  readonly output: z.ZodType
  /** What the record calls it, `user.create`. Absent: it changes nothing. */
  readonly act?: string
  /** Inputs that the record keeps with their values. Of the others it keeps that they were given. */
  readonly recorded?: readonly string[]
  /**
   * It can give somebody a way into the realm, or more there than before: always, or as its input says.
   * Nobody does that alone.
   */
  readonly opens?: true | ((input: Readonly<Record<string, unknown>>) => boolean)
  /** Its answer is shown this once. */
  readonly secret?: true
  /** Its answer has a `revision`, from which an entity tag is made. */
  readonly tagged?: true
  /** Takes `if_revision`, which callers give as the entity tag of what this operation answers. */
  readonly reads?: string
}

/** A list in a stable order. It is asked for with `limit` and `after`, the key of the item before. */
export interface RealmListing extends RealmOperation {
  readonly method: 'get'
  readonly output: z.ZodObject<{ items: z.ZodArray<z.ZodType> }>
  /** Names the item in the order of the list. */
  readonly keyOf: (item: never) => string
}

export function operation<const O extends RealmOperation>(definition: O): O {
  return definition
}

/** The parts of `path` in braces. */
export function pathInputs({ path }: RealmOperation): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

/** Inputs that are no business of whoever asks over HTTP: the control plane gives them. */
export const INNER_INPUTS = ['limit', 'after', 'if_revision'] as const

/** How a call comes to the identity plane. */
export interface RealmCall {
  /**
   * The same for every repeat of one call, and of no other: what is made is named after it, so that a
   * repeat finds it. Absent: nobody will repeat it.
   */
  readonly key?: string
  /** It may have been carried out before, and its answer lost. */
  readonly repeated?: boolean
}
