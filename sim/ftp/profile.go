package ftp

// profile is how one kind of server differs from another.
type profile struct {
	words    *phraseBook
	commands []command

	// rawTelnet leaves Telnet commands in the line.
	rawTelnet bool
	// ignoreEmptyLine answers nothing to an empty line.
	ignoreEmptyLine bool
	// longLineCloses ends the session after a line that is too long.
	longLineCloses bool
	// allWait makes every command wait for the end of a transfer, ABOR, STAT and QUIT
	// too.
	allWait bool
	// abortKeepsPassive leaves the listener open when ABOR finds no transfer.
	abortKeepsPassive bool
	// outlivesControl finishes a transfer whose control connection is gone.
	outlivesControl bool
	// timeoutCloses ends the session when a transfer makes no progress.
	timeoutCloses bool
	// foreignDataFails answers 425 at once when somebody else connects to the passive
	// port; else the connection is dropped and the wait goes on.
	foreignDataFails bool
	// laxArguments takes what other servers refuse: a missing argument as an empty
	// one, a REST that is no number as 0, spaces before a PORT argument, an EPRT
	// without its last delimiter.
	laxArguments bool
	// keepsUser refuses USER after the login, unless it is the same user.
	keepsUser bool
	// emptyWhenMissing lists nothing, successfully, where nothing is.
	emptyWhenMissing bool
	// sizeInASCII answers SIZE in TYPE A with the size of the file as stored.
	sizeInASCII bool
	// dotEntries lists "." and ".." for -a.
	dotEntries bool
	// closesAfterFailures closes without a word after too many failed logins.
	closesAfterFailures bool
}

func profileFor(name string) *profile {
	if name == ProfileVSFTPD {
		return &vsftpdProfile
	}
	return &ownProfile
}

var ownProfile = profile{words: &ownWords, commands: ownCommands[:]}

var vsftpdProfile = profile{
	words:    &vsftpdWords,
	commands: vsftpdCommands[:],

	rawTelnet:           true,
	ignoreEmptyLine:     true,
	longLineCloses:      true,
	allWait:             true,
	abortKeepsPassive:   true,
	outlivesControl:     true,
	timeoutCloses:       true,
	foreignDataFails:    true,
	laxArguments:        true,
	keepsUser:           true,
	emptyWhenMissing:    true,
	sizeInASCII:         true,
	dotEntries:          true,
	closesAfterFailures: true,
}
