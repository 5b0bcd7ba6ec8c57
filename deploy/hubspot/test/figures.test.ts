import { expect, test } from 'vitest'

import { age, difference, figures, sum } from '../src/app/cards/deal/figures'
import { NOW } from './answers'

const of = (locale?: string, timeZone = 'UTC') => figures({ locale, timeZone, now: NOW })
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ')

test.each([
  ['en-US', '482300.00', 'EUR', '€482,300'],
  ['en-US', '482300.5', 'EUR', '€482,300.50'],
  ['en-US', '-0.05', 'USD', '-$0.05'],
  ['en-US', '-0.00', 'USD', '$0'],
  ['en-US', '12345678901234567.8901', 'USD', '$12,345,678,901,234,567.8901'],
  ['en-US', '1500', 'JPY', '¥1,500'],
  ['de-DE', '482300.5', 'EUR', '482.300,50 €'],
  ['de_de', '1.5', 'CHF', '1,50 CHF'],
  ['fr-FR', '-1234.56', 'EUR', '-1 234,56 €'],
  ['xx-nonsense-locale-really', '7', 'EUR', '€7'],
  ['en-US', '7.5', '12', '7.5 12'],
])('%s writes %s %s as %s', (locale, amount, currency, expected) => {
  expect(plain(of(locale).money({ amount, currency })).replace('−', '-')).toBe(expected)
})

test('a percentage is shown with all its places, by the reader’s locale', () => {
  expect(of('en-US').percent('64.28')).toBe('64.28%')
  expect(plain(of('de-DE').percent('64.50'))).toBe('64,5 %')
  expect(of('en-US').percent('-0.16')).toBe('-0.16%')
  expect(of('en-US').percent('100')).toBe('100%')
})

test('sums and differences are exact', () => {
  expect(sum(['0.1', '0.2'])).toBe('0.3')
  expect(sum([])).toBe('0')
  expect(sum(['99999999999999999.99', '0.01'])).toBe('100000000000000000.00')
  expect(difference('62.00', '71.5')).toBe('-9.50')
  expect(difference('0.1', '0.3')).toBe('-0.2')
  expect(difference('-1', '-1.05')).toBe('0.05')
})

test('days count by the calendar, not by the hour', () => {
  expect(of().daysTo('2026-06-15')).toBe(0)
  expect(of().daysTo('2026-06-16')).toBe(1)
  expect(of().daysTo('2026-05-12')).toBe(-34)
})

test('a time of today is a time alone, in the account’s zone', () => {
  expect(of('de-DE', 'Europe/Berlin').moment('2026-06-15T12:02:00Z')).toBe('14:02')
  expect(of('de-DE', 'Europe/Berlin').moment('2026-06-12T12:02:00Z')).toContain('12.06.2026')
})

test.each([[0, 'just now'], [-5000, 'just now'], [12_000, '12 s old'], [240_000, '4 min old'], [7_200_000, '2 h old'], [259_200_000, '3 days old']])(
  '%i ms is %s', (ms, expected) => expect(age(ms)).toBe(expected))
