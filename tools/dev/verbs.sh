verb_help() { echo; }
