// The parts of `graphiql/style.css`, less its fonts (400 kB, every script of the world) and its second copy of Monaco's styles.
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-history/style.css'
import '@graphiql/plugin-explorer/style.css'
import 'graphiql/graphiql.css'
import './fonts.css'
import './theme.css'
