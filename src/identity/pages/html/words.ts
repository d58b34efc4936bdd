import type { PasswordProblem } from '../../sign-in/sign-in.ts'

/** What is wrong with a new password, and what to do. */
export function passwordProblem(problem: PasswordProblem): string {
  return PROBLEMS[problem]
}

const PROBLEMS: Readonly<Record<PasswordProblem, string>> = {
  too_short: 'This password is too short. Take 10 characters or more.',
  too_long: 'This password is too long. Take 200 characters at most.',
  has_control_characters:
    'This password has characters that cannot be typed. Take letters, digits, signs and spaces.',
  too_easy: 'This password is easy to guess. Take several words that do not belong together.',
  breached: 'This password is known from a data breach. Take another.',
  used_before: 'You have used this password before. Take another.',
}

/** @param seconds until the next try is looked at */
export function waitFor(seconds: number): string {
  const minutes = Math.ceil(seconds / 60)
  if (seconds < 60) return `Too many tries. Wait ${Math.max(1, Math.ceil(seconds))} seconds.`
  return `Too many tries. Wait ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`
}

/** A moment, the same for every reader: pages do not know where they are read. */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

export function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
