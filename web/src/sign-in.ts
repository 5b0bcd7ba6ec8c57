import './sign-in.css'
import { h } from './reports/dom'

/**
 * Who looks at the page: a key or a token that the reader pastes, for this tab only. There is no cookie, so that nothing is
 * sent along with what other sites make the browser ask.
 */
interface Credential {
  authorization: string
  role?: string
}

/** `GET /whoami`. */
interface WhoAmI {
  kind: string
  subject: string
  name: string | null
  email: string | null
  role: string | null
  roles: string[]
}

const KEY = 'spine:sign-in'

/** What one `fetch` sends of it. Headers that are there already stay. */
function signed(init: RequestInit, credential: Credential | null): RequestInit {
  const headers = new Headers(init.headers)
  if (credential && !headers.has('Authorization')) headers.set('Authorization', credential.authorization)
  if (credential?.role && !headers.has('X-Spine-Role')) headers.set('X-Spine-Role', credential.role)
  return { ...init, headers }
}

/**
 * `fetch` as whoever signed in. Where the gateway wants to know who asks, the reader is asked, and then it is asked again: within
 * the same `patience`, in milliseconds, which does not run while the reader thinks.
 */
export async function signedFetch(url: string, given: RequestInit = {}, patience?: number): Promise<Response> {
  const { signal } = given
  const attempt = (credential: Credential | null) =>
    fetch(url, { ...signed(given, credential), signal: patience ? AbortSignal.timeout(patience) : signal })
  const before = stored()
  const response = await attempt(before)
  if (response.status !== 401 || new Headers(given.headers).has('Authorization')) return response
  // Somebody else on the page may have signed in meanwhile.
  const now = stored()
  const credential = now && now.authorization !== before?.authorization ? now : await ask(before !== null)
  return credential ? attempt(credential) : response
}

/** The same for what the page asks by itself: the reader is asked nothing. */
export function quietFetch(url: string, given: RequestInit = {}, patience?: number): Promise<Response> {
  return fetch(url, { ...signed(given, stored()), signal: patience ? AbortSignal.timeout(patience) : given.signal })
}

/** Whether links that the browser follows by itself would be refused: they carry nothing of it. */
export function isSignedIn(): boolean {
  return stored() !== null
}

/** Who one is here, with a choice of one's roles and a way out. Empty where nobody needs to sign in. */
export function account(): HTMLElement {
  const element = h('span', { class: 'sign-in-account' })
  const show = async () => {
    const credential = stored()
    if (!credential) return element.replaceChildren()
    const response = await fetch('/whoami', signed({}, credential)).catch(() => null)
    element.replaceChildren(...(response?.ok ? described((await response.json()) as WhoAmI) : []), wayOut())
  }
  addEventListener(KEY, show)
  void show()
  return element
}

function described({ name, subject, role, roles }: WhoAmI): HTMLElement[] {
  const choose = (event: Event) => {
    const credential = stored()
    if (credential) store({ ...credential, role: (event.target as HTMLSelectElement).value })
    location.reload()
  }
  const picker = h('select', { 'aria-label': 'Role', change: choose },
    ...roles.map((each) => h('option', { value: each, selected: each === role }, each)))
  return [
    h('span', { title: subject }, name ?? subject),
    ...(roles.length > 1 ? [picker] : role ? [h('span', { class: 'sign-in-role' }, role)] : []),
  ]
}

function wayOut(): HTMLElement {
  const leave = () => {
    sessionStorage.removeItem(KEY)
    location.reload()
  }
  return h('button', { type: 'button', click: leave }, 'Sign out')
}

/** The question that is open; all who need the answer wait for it. */
let open: Promise<Credential | null> | undefined

function ask(refused: boolean): Promise<Credential | null> {
  open ??= question(refused).finally(() => (open = undefined))
  return open
}

function question(refused: boolean): Promise<Credential | null> {
  const input = h('input', {
    id: 'sign-in-key', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'sign-in-note',
  })
  const note = h('p', { id: 'sign-in-note', role: 'status' },
    refused ? 'The gateway does not let in what was entered before.' : 'It is kept for this tab, until it is closed.')
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'sign-in-title' }, 'Sign in'),
    h('label', { for: 'sign-in-key' }, 'API key or token'),
    input,
    note,
    h('div', { class: 'sign-in-buttons' },
      h('button', { type: 'button', click: () => dialog.close() }, 'Cancel'),
      h('button', { type: 'submit', class: 'sign-in-primary' }, 'Sign in')))
  const dialog = h('dialog', { class: 'sign-in', 'aria-labelledby': 'sign-in-title' }, form)
  document.body.append(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    let found: Credential | null = null
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      const credential = { authorization: `Bearer ${input.value.trim()}` }
      note.textContent = 'Asking …'
      const response = await tried(credential)
      // A role is missing, not the right key: the pages say so themselves.
      if (response?.ok || response?.status === 403) {
        found = credential
        store(credential)
        dialog.close()
        return
      }
      note.textContent = response ? await reason(response) : 'The gateway cannot be reached.'
      input.select()
    })
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(found)
    })
  })
}

async function tried(credential: Credential): Promise<Response | null> {
  try {
    return await fetch('/whoami', signed({}, credential))
  } catch {
    // No gateway, or signs in what was pasted that no header may have.
    return null
  }
}

async function reason(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { errors?: { message?: string }[] } | null
  return body?.errors?.[0]?.message ?? `HTTP ${response.status}`
}

function stored(): Credential | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Credential | null
  } catch {
    return null
  }
}

function store(credential: Credential): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(credential))
  } catch {
    // A browser that keeps nothing for a page in a frame: the reader is asked again at the next question.
  }
  dispatchEvent(new Event(KEY))
}
