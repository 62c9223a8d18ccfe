#!/bin/sh
exec node "$(dirname "$0")/supabase.mjs"
