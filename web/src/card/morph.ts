/**
 * Gives an element other children, and leaves alone what stays as it is: focus, selection and scroll stay where they are, and
 * nothing flickers. Listeners stay with what stays: all buttons of the card that are alike do the same.
 */
export function morph(parent: Element, wanted: Node[]): void {
  let here = parent.firstChild
  for (const node of wanted) {
    const same = find(here, node)
    if (!same) {
      parent.insertBefore(node, here)
      continue
    }
    while (here && here !== same) here = removed(here)
    here = same.nextSibling
    if (same instanceof Element && node instanceof Element) {
      attributes(same, node)
      morph(same, [...node.childNodes])
    } else if (same.nodeValue !== node.nodeValue) same.nodeValue = node.nodeValue
  }
  while (here) here = removed(here)
}

/** What a node can be made of: what stands in its place if it is alike, or what comes later and has its name. */
function find(here: ChildNode | null, node: Node): ChildNode | null {
  if (here && isAlike(here, node)) return here
  if (!nameOf(node)) return null
  for (let later = here?.nextSibling ?? null; later; later = later.nextSibling) if (isAlike(later, node)) return later
  return null
}

function isAlike(one: Node, other: Node): boolean {
  return one.nodeName === other.nodeName && nameOf(one) === nameOf(other)
}

function nameOf(node: Node): string {
  if (!(node instanceof Element)) return ''
  return node.id || node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || ''
}

function removed(node: ChildNode): ChildNode | null {
  const next = node.nextSibling
  node.remove()
  return next
}

function attributes(element: Element, wanted: Element): void {
  for (const { name } of [...element.attributes]) if (!wanted.hasAttribute(name)) element.removeAttribute(name)
  for (const { name, value } of wanted.attributes) {
    if (element.getAttribute(name) === value) continue
    // The content security policy lets in no style that is written as an attribute.
    if (name !== 'style') element.setAttribute(name, value)
    else if (element instanceof HTMLElement && wanted instanceof HTMLElement) element.style.cssText = wanted.style.cssText
  }
}
