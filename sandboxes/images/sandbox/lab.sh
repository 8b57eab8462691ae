# The student's prompt and habits.
if [ -n "${BASH_VERSION:-}" ]; then
    PS1='\[\e[1;36m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
    alias ls='ls --color=auto' ll='ls -l --color=auto' grep='grep --color=auto'
fi
export EDITOR=nano LESS=-R
