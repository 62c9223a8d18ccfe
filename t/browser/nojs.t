#!/bin/sh
exec node "$(dirname "$0")/nojs.mjs"
