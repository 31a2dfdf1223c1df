@rem Lets "npm start" say `exec node …` on Windows too. Elsewhere exec gives the shell's place to Node, so that Ctrl-C
@rem and a stop signal reach Slipway itself and the exit code is its own.
@%*
