/** Where Spine answers. The same address stands in `../app-hsmeta.json` under `permittedUrls.fetch`. */
export const SPINE = 'https://spine.example.com'
