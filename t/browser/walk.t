#!/bin/sh
exec node "$(dirname "$0")/walk.mjs"
