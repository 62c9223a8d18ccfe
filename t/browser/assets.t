#!/bin/sh
exec node "$(dirname "$0")/assets.mjs"
