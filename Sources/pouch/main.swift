import PouchCommands

await PouchCommand.main()
