#!/bin/sh
exec node "$(dirname "$0")/account.mjs"
