#!/bin/sh
exec node "$(dirname "$0")/team.mjs"
