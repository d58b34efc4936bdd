import type { AttributePath } from '../schema/attribute-path.ts'

export const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
export type Comparison = (typeof COMPARISONS)[number]

/** A filter of RFC 7644, section 3.4.2.2, that fits a schema. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  | { readonly kind: 'present'; readonly at: AttributePath }
  | {
      readonly kind: 'compare'
      readonly at: AttributePath
      readonly op: Comparison
      /** A moment is in milliseconds since 1970. */
      readonly value: string | boolean | number
    }
  /** One element fulfils all of it: `emails[...]`. Inside, paths begin at the element. */
  | { readonly kind: 'some'; readonly at: AttributePath; readonly of: Filter }
