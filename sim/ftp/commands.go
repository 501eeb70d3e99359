package ftp

// command is one command of a server: its place in a profile says that the profile
// knows it.
type command struct {
	verb   string
	syntax string
	flags  commandFlags
	// missing answers a missing argument; saidNothing where there may be none.
	missing phrase
	run     func(s *Session, arg string)
}

type commandFlags uint8

const (
	beforeLogin commandFlags = 1 << iota // allowed without a login
	noArgument                           // an argument is an error
	isPath                               // trailing spaces belong to the argument
)

// ownCommands are ftplab's own, grouped as in RFC 959, section 4.1, and its successors.
var ownCommands = [...]command{
	{"USER", "USER name", beforeLogin, saidArgumentMissing, (*Session).user},
	{"PASS", "PASS password", beforeLogin | isPath, saidNothing, (*Session).pass},
	{"ACCT", "ACCT account", 0, saidNothing, (*Session).account},
	{"QUIT", "QUIT", beforeLogin, saidNothing, (*Session).quit},
	{"REIN", "REIN", noArgument, saidNothing, (*Session).reinitialize},
	{"CWD", "CWD path", isPath, saidArgumentMissing, (*Session).changeDirectory},
	{"XCWD", "XCWD path", isPath, saidArgumentMissing, (*Session).changeDirectory},
	{"CDUP", "CDUP", noArgument, saidNothing, (*Session).changeUp},
	{"XCUP", "XCUP", noArgument, saidNothing, (*Session).changeUp},
	{"PWD", "PWD", noArgument, saidNothing, (*Session).workingDirectory},
	{"XPWD", "XPWD", noArgument, saidNothing, (*Session).workingDirectory},
	{"MKD", "MKD path", isPath, saidArgumentMissing, (*Session).makeDirectory},
	{"XMKD", "XMKD path", isPath, saidArgumentMissing, (*Session).makeDirectory},
	{"RMD", "RMD path", isPath, saidArgumentMissing, (*Session).removeDirectory},
	{"XRMD", "XRMD path", isPath, saidArgumentMissing, (*Session).removeDirectory},
	{"DELE", "DELE path", isPath, saidArgumentMissing, (*Session).deleteFile},
	{"RNFR", "RNFR path", isPath, saidArgumentMissing, (*Session).renameFrom},
	{"RNTO", "RNTO path", isPath, saidArgumentMissing, (*Session).renameTo},

	{"TYPE", "TYPE A | A N | I | L 8", 0, saidTypeSyntax, (*Session).setType},
	{"STRU", "STRU F", 0, saidStructureSyntax, (*Session).setStructure},
	{"MODE", "MODE S", 0, saidModeSyntax, (*Session).setMode},
	{"PASV", "PASV", noArgument, saidNothing, (*Session).pasv},
	{"EPSV", "EPSV [1 | 2 | ALL]", 0, saidNothing, (*Session).epsv},
	{"PORT", "PORT h1,h2,h3,h4,p1,p2", 0, saidArgumentMissing, (*Session).port},
	{"EPRT", "EPRT |family|address|port|", 0, saidArgumentMissing, (*Session).eprt},

	{"RETR", "RETR path", isPath, saidArgumentMissing, (*Session).retrieve},
	{"STOR", "STOR path", isPath, saidArgumentMissing, (*Session).store},
	{"APPE", "APPE path", isPath, saidArgumentMissing, (*Session).appendTo},
	{"STOU", "STOU [path]", isPath, saidNothing, (*Session).storeUnique},
	{"REST", "REST octets", 0, saidRestartSyntax, (*Session).restartAt},
	{"ALLO", "ALLO octets", 0, saidArgumentMissing, (*Session).allocate},
	{"ABOR", "ABOR", 0, saidNothing, (*Session).abort},
	{"LIST", "LIST [path]", isPath, saidNothing, (*Session).list},
	{"NLST", "NLST [path]", isPath, saidNothing, (*Session).nameList},
	{"MLSD", "MLSD [path]", isPath, saidNothing, (*Session).machineList},
	{"MLST", "MLST [path]", isPath, saidNothing, (*Session).machineStatus},
	{"SIZE", "SIZE path", isPath, saidArgumentMissing, (*Session).fileSize},
	{"MDTM", "MDTM path", isPath, saidArgumentMissing, (*Session).modificationTime},
	{"MFMT", "MFMT YYYYMMDDhhmmss path", isPath, saidTimeSyntax, (*Session).modifyTime},

	{"STAT", "STAT [path]", beforeLogin | isPath, saidNothing, (*Session).status},
	{"HELP", "HELP [command]", beforeLogin, saidNothing, (*Session).help},
	{"SITE", "SITE CHMOD mode path | HELP", isPath, saidArgumentMissing, (*Session).site},
	{"SYST", "SYST", beforeLogin | noArgument, saidNothing, (*Session).system},
	{"NOOP", "NOOP", beforeLogin, saidNothing, (*Session).noop},
	{"FEAT", "FEAT", beforeLogin | noArgument, saidNothing, (*Session).features},
	{"OPTS", "OPTS UTF8 ON | MLST facts", beforeLogin, saidOptionBad, (*Session).options},
	{"CLNT", "CLNT name", beforeLogin, saidArgumentMissing, (*Session).clientName},
	{"HOST", "HOST name", beforeLogin, saidArgumentMissing, (*Session).virtualHost},
	{"LANG", "LANG (not implemented)", beforeLogin, saidNothing, (*Session).refuseUnimplemented},
	{"SMNT", "SMNT (not implemented)", 0, saidNothing, (*Session).refuseUnimplemented},

	{"AUTH", "AUTH TLS", beforeLogin, saidArgumentMissing, (*Session).auth},
	{"PBSZ", "PBSZ 0", beforeLogin, saidArgumentMissing, (*Session).protectionBufferSize},
	{"PROT", "PROT C | P", beforeLogin, saidArgumentMissing, (*Session).protect},
	{"CCC", "CCC", beforeLogin | noArgument, saidNothing, (*Session).clearControl},
}

// vsftpdCommands are what vsftpd 3.0.3 knows. It checks no number of arguments: a
// missing one fails as what it would have named.
var vsftpdCommands = [...]command{
	{"USER", "", beforeLogin, saidNothing, (*Session).user},
	{"PASS", "", beforeLogin | isPath, saidNothing, (*Session).pass},
	{"ACCT", "ACCT", 0, saidNothing, (*Session).refuseAccount},
	{"QUIT", "", beforeLogin, saidNothing, (*Session).quit},
	{"REIN", "REIN", 0, saidNothing, (*Session).refuseReinitialize},
	{"SMNT", "SMNT", 0, saidNothing, (*Session).refuseMount},
	{"CWD", "", isPath, saidDirectoryMissing, (*Session).changeDirectory},
	{"XCWD", "", isPath, saidDirectoryMissing, (*Session).changeDirectory},
	{"CDUP", "", 0, saidNothing, (*Session).changeUp},
	{"XCUP", "", 0, saidNothing, (*Session).changeUp},
	{"PWD", "", 0, saidNothing, (*Session).workingDirectory},
	{"XPWD", "", 0, saidNothing, (*Session).workingDirectory},
	{"MKD", "", isPath, saidMakeDirFailed, (*Session).makeDirectory},
	{"XMKD", "", isPath, saidMakeDirFailed, (*Session).makeDirectory},
	{"RMD", "", isPath, saidRemoveDirFailed, (*Session).removeDirectory},
	{"XRMD", "", isPath, saidRemoveDirFailed, (*Session).removeDirectory},
	{"DELE", "", isPath, saidDeleteFailed, (*Session).deleteFile},
	{"RNFR", "", isPath, saidRenameMissing, (*Session).renameFrom},
	{"RNTO", "", isPath, saidRenameFirst, (*Session).renameTo},

	{"TYPE", "", 0, saidTypeSyntax, (*Session).setType},
	{"STRU", "", 0, saidStructureSyntax, (*Session).setStructure},
	{"MODE", "", 0, saidModeSyntax, (*Session).setMode},
	{"PASV", "", 0, saidNothing, (*Session).pasv},
	{"EPSV", "", 0, saidNothing, (*Session).epsv},
	{"PORT", "", 0, saidNothing, (*Session).port},
	{"EPRT", "", 0, saidNothing, (*Session).eprt},

	{"RETR", "", isPath, saidFileMissing, (*Session).retrieve},
	{"STOR", "", isPath, saidCreateFailed, (*Session).store},
	{"APPE", "", isPath, saidCreateFailed, (*Session).appendTo},
	{"STOU", "", isPath, saidNothing, (*Session).storeUnique},
	{"REST", "", 0, saidNothing, (*Session).restartAt},
	{"ALLO", "", 0, saidNothing, (*Session).allocate},
	{"ABOR", "", 0, saidNothing, (*Session).abort},
	{"LIST", "", isPath, saidNothing, (*Session).list},
	{"NLST", "", isPath, saidNothing, (*Session).nameList},
	{"SIZE", "", isPath, saidSizeFailed, (*Session).fileSize},
	{"MDTM", "", isPath, saidModifiedFailed, (*Session).modificationTime},

	{"STAT", "", isPath, saidNothing, (*Session).status},
	{"HELP", "", 0, saidNothing, (*Session).help},
	{"SITE", "", isPath, saidSiteUnknown, (*Session).site},
	{"SYST", "", 0, saidNothing, (*Session).system},
	{"NOOP", "", 0, saidNothing, (*Session).noop},
	{"FEAT", "", beforeLogin, saidNothing, (*Session).features},
	{"OPTS", "", beforeLogin, saidOptionBad, (*Session).options},

	{"AUTH", "", beforeLogin, saidNothing, (*Session).auth},
	{"PBSZ", "", beforeLogin, saidNothing, (*Session).protectionBufferSize},
	{"PROT", "", beforeLogin, saidNothing, (*Session).protect},
}

func (s *Session) refuseUnimplemented(string) { s.refuse(saidNotImplemented) }

// vsftpd names the commands it refuses.
func (s *Session) refuseAccount(string)      { s.refuse(saidNotImplemented, "ACCT") }
func (s *Session) refuseReinitialize(string) { s.refuse(saidNotImplemented, "REIN") }
func (s *Session) refuseMount(string)        { s.refuse(saidNotImplemented, "SMNT") }
