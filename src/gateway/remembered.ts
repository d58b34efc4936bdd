const ANSWERS_MAX = 500
const CHARACTERS_MAX = 80

/**
 * The same question, answered from memory for what comes first and is of usual length: most of what is
 * asked is asked with every request. Whoever makes things up fills it once, and then costs a look more.
 * @param question whose answer depends on the text alone
 */
export function remembered<T>(question: (text: string) => T): (text: string) => T {
  const answers = new Map<string, T>()
  return (text) => {
    const known = answers.get(text)
    if (known !== undefined) return known
    const answer = question(text)
    if (answers.size < ANSWERS_MAX && text.length <= CHARACTERS_MAX) answers.set(text, answer)
    return answer
  }
}
