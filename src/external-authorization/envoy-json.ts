/** What Envoy's configuration is written in. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json }

/** An extension's configuration, by the name of its message. */
export const typed = (message: string, fields: { readonly [key: string]: Json } = {}): Json => ({
  '@type': `type.googleapis.com/${message}`,
  ...fields,
})
