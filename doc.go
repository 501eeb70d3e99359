// Package ftplab is an educational simulator and visualizer of FTP's active and passive
// flows through firewalls. The command is in cmd/ftplab; ARCHITECTURE.md says what each
// folder is for.
package ftplab
