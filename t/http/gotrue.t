#!/bin/sh
exec node "$(dirname "$0")/gotrue.mjs"
