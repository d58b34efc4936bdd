/** A promise, and whether it has been kept yet. */
export interface Watched<T> {
  readonly done: boolean
  readonly result: Promise<T>
}

export function watchPromise<T>(promise: Promise<T>): Watched<T> {
  const watched = {
    done: false,
    result: promise.finally(() => {
      watched.done = true
    }),
  }
  return watched
}
