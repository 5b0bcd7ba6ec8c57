/** The project as HubSpot reads it: by HubSpot's own library, which checks layout, types and IDs before an upload. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { http } from '@hubspot/local-dev-lib/http'
import { getProjectMetadata, isLegacyProject, LATEST_SUPPORTED_PLATFORM_VERSION, parseProjectConfig } from '@hubspot/project-parsing-lib/projects'
import { translate } from '@hubspot/project-parsing-lib/translate'
import { afterEach, expect, test, vi } from 'vitest'

import { SPINE } from '../src/app/cards/spine'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src')
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'))

/** HubSpot keeps the schemas of `config` behind an account's sign-in. These say what its documentation says of them. */
const texts = { type: 'array', items: { type: 'string' } }
const SCHEMAS = {
  APPLICATION: {
    type: 'object',
    required: ['name', 'description', 'distribution', 'auth', 'permittedUrls'],
    properties: {
      name: { type: 'string', maxLength: 200 },
      distribution: { enum: ['private', 'marketplace'] },
      auth: {
        type: 'object',
        required: ['type', 'requiredScopes'],
        properties: { type: { enum: ['static', 'oauth'] }, requiredScopes: texts, optionalScopes: texts, conditionallyRequiredScopes: texts },
        additionalProperties: false,
      },
      permittedUrls: {
        type: 'object',
        // https, and no path, no wildcard, no machine of one's own.
        properties: { fetch: { type: 'array', minItems: 1, items: { type: 'string', pattern: '^https://(?!localhost)[a-z0-9.-]+(:\\d+)?$' } }, iframe: texts, img: texts },
        additionalProperties: false,
      },
    },
  },
  CARD: {
    type: 'object',
    required: ['name', 'location', 'entrypoint', 'objectTypes'],
    properties: {
      location: { enum: ['crm.record.tab', 'crm.record.sidebar', 'crm.preview', 'helpdesk.sidebar'] },
      entrypoint: { type: 'string', pattern: '^/app/cards/\\w+\\.tsx$' },
      objectTypes: { type: 'array', minItems: 1, items: { enum: ['deals'] } },
    },
  },
}

afterEach(() => vi.restoreAllMocks())

test('the project has a name, a source and the platform version that is current', () => {
  const config = parseProjectConfig(root)
  expect(config.platformVersion).toBe(LATEST_SUPPORTED_PLATFORM_VERSION)
  expect(isLegacyProject(config.platformVersion)).toBe(false)
  expect(join(root, config.srcDir)).toBe(source)
})

test('it has one app and one card, each where HubSpot looks for it', async () => {
  const { components } = await getProjectMetadata(source)
  expect(components['app']?.count).toBe(1)
  expect(components['card']?.count).toBe(1)
  expect((await getProjectMetadata(source)).hsMetaFiles).toHaveLength(2)
})

test('HubSpot’s library translates it, with nothing left out and nothing to complain of', async () => {
  const get = vi.spyOn(http, 'get').mockResolvedValue({ data: SCHEMAS } as Awaited<ReturnType<typeof http.get>>)
  const { platformVersion } = parseProjectConfig(root)
  const { intermediateRepresentation, skippedHsMetaFiles } = await translate({ projectSourceDir: source, platformVersion, accountId: 1 })
  expect(get).toHaveBeenCalledOnce()
  expect(skippedHsMetaFiles ?? []).toEqual([])
  const nodes = intermediateRepresentation.intermediateNodesIndexedByUid
  expect(Object.values(nodes).map(({ uid, componentType }) => [uid, componentType])).toEqual([['spine_app', 'APPLICATION'], ['spine_deal_card', 'CARD']])
  expect(nodes['spine_deal_card']?.componentDeps).toMatchObject({ app: 'spine_app' })
})

test('a mistake in it would be found', async () => {
  const wrong = { ...SCHEMAS, CARD: { ...SCHEMAS.CARD, properties: { ...SCHEMAS.CARD.properties, location: { enum: ['elsewhere'] } } } }
  vi.spyOn(http, 'get').mockResolvedValue({ data: wrong } as Awaited<ReturnType<typeof http.get>>)
  const { platformVersion } = parseProjectConfig(root)
  await expect(translate({ projectSourceDir: source, platformVersion, accountId: 1 })).rejects.toThrow()
})

test('the card’s entry is there, and its own packages are those it is tested with', () => {
  const { config } = json('src/app/cards/deal-card-hsmeta.json')
  expect(readFileSync(join(source, config.entrypoint), 'utf8')).toContain(`hubspot.extend<'${config.location}'>`)
  const { dependencies } = json('src/app/cards/package.json')
  const { devDependencies } = json('package.json')
  for (const [name, version] of Object.entries(dependencies)) expect(devDependencies[name], name).toBe(version)
})

test('the address that the card asks is the one that the app may ask', () => {
  expect(json('src/app/app-hsmeta.json').config.permittedUrls.fetch).toEqual([SPINE])
})
