import PouchCommands

await PouchCommand.start()
