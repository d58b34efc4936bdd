/** A piece that does some things worse than the sound one, and the others as it does. */
export function inPlaceOf<T extends object>(sound: T, worse: Partial<T>): T {
  return new Proxy(sound, {
    get(target, name) {
      const own: unknown = Reflect.get(worse, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name)
      // What is private of a class is seen by the sound one alone.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
